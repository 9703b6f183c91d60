/** Keeps the screen on while a desktop is displayed: images under study must not go dark. */

export class WakeLock {
  readonly #abort = new AbortController();
  #wanted = false;
  #lock: WakeLockSentinel | null = null;

  constructor() {
    // The browser drops the lock whenever the page is hidden.
    document.addEventListener("visibilitychange", () => void this.#request(), { signal: this.#abort.signal });
  }

  setWanted(wanted: boolean): void {
    this.#wanted = wanted;
    if (wanted) void this.#request();
    else this.#release();
  }

  close(): void {
    this.#wanted = false;
    this.#abort.abort();
    this.#release();
  }

  async #request(): Promise<void> {
    const { wakeLock } = navigator as Partial<Pick<Navigator, "wakeLock">>;
    if (!this.#wanted || document.visibilityState !== "visible" || wakeLock === undefined) return;
    if (this.#lock !== null && !this.#lock.released) return;
    try {
      const lock = await wakeLock.request("screen");
      if (this.#wanted) this.#lock = lock;
      else await lock.release();
    } catch (error) {
      // The browser refuses when the battery is low or a policy forbids it; the desktop works without the lock.
      console.info("wake lock:", error);
    }
  }

  #release(): void {
    const lock = this.#lock;
    this.#lock = null;
    if (lock !== null) void lock.release();
  }
}
