/** Tells the height that a soft keyboard takes from a window from a window that was turned. Pure. */

/** A window's size, CSS px. */
export interface WindowSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Returns the size that the window would have without the soft keyboard that is up. `before` is what this function
 * returned last, or the window's size when the keyboard was raised.
 *
 * Some browsers make the window lower by the keyboard's height, others let the keyboard cover it. Only a window that was
 * turned or resized becomes wider or narrower: then its size counts as it is.
 */
export function withoutSoftKeyboard(before: WindowSize, now: WindowSize): WindowSize {
  return now.width === before.width && now.height < before.height ? before : now;
}
