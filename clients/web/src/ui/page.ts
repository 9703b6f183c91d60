/** The contract of a page: made, put into the document, shown, and closed before the next one comes. */
export interface Page {
  readonly element: HTMLElement;
  /** For the window's title, before the product's name. */
  readonly title: string;
  /** The element is in the document. */
  shown(): void;
  /** The browser goes back. True when the page stays, because it asks the person first. */
  back?(): boolean;
  /** Lets go of timers, workers and listeners. */
  close(): void;
}
