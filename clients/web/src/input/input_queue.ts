/** Keeps input in order while a paste shortcut waits for the browser's clipboard. Pure. */

import type { InputMessage } from "../protocol/messages.ts";
import type { InputSink } from "./input_sink.ts";

/** A place in the queue; everything behind it waits until it is opened. */
export interface QueueGate {
  /** Runs `action` as soon as everything before the gate has run, then what waits behind. Works once. */
  open(action: () => void): void;
}

interface Entry {
  /** Null while the entry is a gate that was not opened. */
  action: (() => void) | null;
  /** Whether the entry is pointer motion, which later motion replaces. */
  readonly motion: boolean;
}

export class InputQueue {
  #entries: Entry[] = [];

  /** Runs an action at once, or after everything that waits. */
  run(action: () => void): void {
    this.#add({ action, motion: false });
  }

  /** Adds a gate at the end of the queue. */
  gate(): QueueGate {
    const entry: Entry = { action: null, motion: false };
    this.#entries.push(entry);
    return {
      open: (action) => {
        if (entry.action !== null || !this.#entries.includes(entry)) return;
        entry.action = action;
        this.#advance();
      },
    };
  }

  /** Returns a sink that sends to `sink` behind everything that waits: a click must not overtake a paste. */
  behind(sink: InputSink): InputSink {
    return {
      send: (message: InputMessage) => this.run(() => sink.send(message)),
      sendMotion: (x, y, buttons) => {
        if (this.#entries.at(-1)?.motion === true) this.#entries.pop();
        this.#add({ action: () => sink.sendMotion(x, y, buttons), motion: true });
      },
    };
  }

  /** Drops everything that waits. Gates that were not opened have no effect any more. */
  clear(): void {
    this.#entries = [];
  }

  #add(entry: Entry): void {
    if (this.#entries.length === 0) entry.action?.();
    else this.#entries.push(entry);
  }

  #advance(): void {
    // The entry stays first while it runs, so that what it adds comes last.
    for (let action = this.#entries[0]?.action; action; action = this.#entries[0]?.action) {
      const entry = this.#entries[0];
      action();
      if (this.#entries[0] === entry) this.#entries.shift();
    }
  }
}
