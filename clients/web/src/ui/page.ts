/** A page of the web client. The caller creates it, puts its element into the document, and closes it. */
export interface Page {
  readonly element: HTMLElement;
  /** Shown in the window's title before the product's name. */
  readonly title: string;
  /** Called once, when the element is in the document. */
  shown(): void;
  /** Called when the browser goes back. Returns true when the page stays because it asks the person first. */
  back?(): boolean;
  /** Stops timers, workers and listeners. The page is not used afterwards. */
  close(): void;
}
