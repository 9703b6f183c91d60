/** A page of the web client. The caller creates it, puts its element into the document, and closes it. */
export interface Page {
  readonly element: HTMLElement;
  /** Shown in the window's title before the product's name. */
  readonly title: string;
  /** Whether it is the page of a locked screen. */
  readonly locked?: boolean;
  /** Whether it waits until the server has confirmed that the person has signed out. */
  readonly signingOut?: boolean;
  /** Called once, when the element is in the document. */
  shown(): void;
  /**
   * Shows another address of the same page, so that it need not be created anew. `path` is below the client's own
   * address. Returns false for an address of another page.
   */
  follow?(path: string): boolean;
  /** Called when the browser goes back. Returns true when the page stays because it asks the person first. */
  back?(): boolean;
  /**
   * Stops timers, workers and listeners. The page is not used afterwards. With `locked` it comes back when the person
   * has unlocked the screen, so that windows stay as they are.
   */
  close(locked?: "locked"): void;
}
