import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ClosedWindows } from "../../src/ui/viewer/monitors/closed_windows.ts";

/** A channel between the windows of one browser that delivers at once. */
class FakeChannel {
  static all: FakeChannel[] = [];
  onmessage: ((event: MessageEvent) => void) | null = null;

  constructor() {
    FakeChannel.all.push(this);
  }

  postMessage(data: unknown): void {
    for (const other of [...FakeChannel.all]) if (other !== this) other.onmessage?.({ data } as MessageEvent);
  }

  close(): void {
    FakeChannel.all = FakeChannel.all.filter((other) => other !== this);
  }
}

const LONG_MS = 60_000;
const abort = new AbortController();

function openWindow(...shown: number[]): { windows: ClosedWindows; gathered: number[]; shown: number[] } {
  const windows = new ClosedWindows("office", () => shown, abort.signal);
  const gathered: number[] = [];
  windows.closed.on((monitor) => gathered.push(monitor));
  windows.shownChanged();
  return { windows, gathered, shown };
}

beforeEach(() => {
  FakeChannel.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("BroadcastChannel", FakeChannel);
  vi.stubGlobal("window", new EventTarget());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("windows that are closed", () => {
  it("announces the monitors that nobody sees any more", () => {
    const first = openWindow(0);
    const second = openWindow(1, 2);
    second.windows.announceClosed();
    second.windows.close();
    expect(first.gathered).toEqual([]);
    vi.advanceTimersByTime(LONG_MS);
    expect(first.gathered).toEqual([1, 2]);
  });

  it("waits for a window that is loaded again", () => {
    const first = openWindow(0);
    const second = openWindow(1);
    second.windows.announceClosed();
    second.windows.close();
    openWindow(1);
    vi.advanceTimersByTime(LONG_MS);
    expect(first.gathered).toEqual([]);
  });

  it("says nothing of a monitor that another window shows", () => {
    const first = openWindow(0);
    const second = openWindow(1);
    const third = openWindow(1);
    third.windows.announceClosed();
    third.windows.close();
    vi.advanceTimersByTime(LONG_MS);
    expect([first.gathered, second.gathered]).toEqual([[], []]);
  });

  it("says nothing after the window itself shows the monitor", () => {
    const first = openWindow(0);
    const second = openWindow(1);
    second.windows.announceClosed();
    second.windows.close();
    first.shown[0] = 1;
    first.windows.shownChanged();
    vi.advanceTimersByTime(LONG_MS);
    expect(first.gathered).toEqual([]);
  });
});
