/** Where a person is in a list that the server returns in parts. Pure. */

export class Paging {
  readonly size: number;
  /** Where each part before the shown one, and the shown one itself, begin. */
  #starts: (string | null)[] = [null];
  #next: string | null = null;
  #shown = 0;
  #total = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** Where the shown part begins, as the server named it. */
  get after(): string | null {
    return this.#starts.at(-1) ?? null;
  }

  get total(): number {
    return this.#total;
  }

  /** Number of the first shown item, from 1; 0 without items. */
  get first(): number {
    return this.#shown === 0 ? 0 : (this.#starts.length - 1) * this.size + 1;
  }

  get last(): number {
    return this.#shown === 0 ? 0 : this.first + this.#shown - 1;
  }

  get hasNext(): boolean {
    return this.#next !== null;
  }

  get hasPrevious(): boolean {
    return this.#starts.length > 1;
  }

  /** The server returned the part that was asked for. */
  received(shown: number, next: string | null, total: number): void {
    this.#shown = shown;
    this.#next = next;
    this.#total = total;
  }

  /** Goes to the next part. Returns whether there is one. */
  forward(): boolean {
    if (this.#next === null) return false;
    this.#starts.push(this.#next);
    return true;
  }

  /** Goes to the part before. Returns whether there is one. */
  back(): boolean {
    return this.hasPrevious && this.#starts.pop() !== undefined;
  }

  /** Goes to the beginning, because the query changed. */
  restart(): void {
    this.#starts = [null];
  }
}
