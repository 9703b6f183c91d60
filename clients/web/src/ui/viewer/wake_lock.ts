/** Keeps the screen awake while a session is shown: a picture under study must not go dark. */

export class WakeLock {
  readonly #abort = new AbortController();
  #wanted = false;
  #lock: WakeLockSentinel | null = null;

  constructor() {
    // The browser drops the lock whenever the page is hidden.
    document.addEventListener("visibilitychange", () => void this.#ask(), { signal: this.#abort.signal });
  }

  hold(wanted: boolean): void {
    this.#wanted = wanted;
    if (wanted) void this.#ask();
    else this.#drop();
  }

  close(): void {
    this.#wanted = false;
    this.#abort.abort();
    this.#drop();
  }

  async #ask(): Promise<void> {
    const { wakeLock } = navigator as Partial<Pick<Navigator, "wakeLock">>;
    if (!this.#wanted || document.visibilityState !== "visible" || wakeLock === undefined) return;
    if (this.#lock !== null && !this.#lock.released) return;
    try {
      const lock = await wakeLock.request("screen");
      if (this.#wanted) this.#lock = lock;
      else await lock.release();
    } catch (error) {
      // Low battery, or a policy: the session works the same.
      console.info("wake lock:", error);
    }
  }

  #drop(): void {
    const lock = this.#lock;
    this.#lock = null;
    if (lock !== null) void lock.release();
  }
}
