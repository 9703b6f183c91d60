/**
 * Recognises programs that take the mouse relatively. Pure.
 *
 * Such a program, for example one that rotates a volume, moves the pointer back to the same place after every
 * motion and reads how far it came. The page sends positions, not distances, so the program's view would
 * jump. The agent reports where the pointer was moved; a place to which it returns again and again after the
 * person moved the mouse is the sign.
 */

/** Number of returns to one place after which the program counts as relative. */
const RETURNS = 3;

export class RelativeMouse {
  #moved = false;
  #place: { readonly x: number; readonly y: number } | null = null;
  #returns = 0;

  /** Handles a motion of the person's mouse. */
  mouseMoved(): void {
    this.#moved = true;
  }

  /**
   * Handles the agent's report that the pointer was moved. Returns true once for each program that takes the
   * mouse relatively.
   */
  pointerReported(x: number, y: number): boolean {
    const moved = this.#moved;
    this.#moved = false;
    const same = this.#place?.x === x && this.#place.y === y;
    this.#place = { x, y };
    if (!same) this.#returns = 1;
    else if (moved) this.#returns += 1;
    return same && moved && this.#returns === RETURNS;
  }
}
