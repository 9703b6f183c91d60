/**
 * An event of one kind that an object announces without knowing who listens.
 *
 * Objects that announce something expose an emitter; the composition function of a page connects them. So every
 * object is complete when its constructor returns.
 */
export class Emitter<T> {
  readonly #listeners: ((value: T) => void)[] = [];

  /** Calls `listener` for each later event, after the listeners that were added before. */
  on(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  emit(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}
