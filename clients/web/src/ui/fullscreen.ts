/** Switches the page to full screen and back. */

/** The Keyboard Lock API, which TypeScript's library does not declare: gives the page keys that browsers keep to themselves. */
type NavigatorWithKeyboard = Navigator & { readonly keyboard?: { lock?(): Promise<void>; unlock?(): void } };

/** Enters or leaves full screen. With `lockKeyboard`, keys such as Esc and Alt+Tab go to the page where the browser allows it. */
export async function toggleFullscreen(lockKeyboard: boolean): Promise<void> {
  const { keyboard } = navigator as NavigatorWithKeyboard;
  try {
    if (document.fullscreenElement !== null) {
      unlockKeyboard();
      await document.exitFullscreen();
    } else {
      await document.documentElement.requestFullscreen({ navigationUI: "hide" });
      if (lockKeyboard) await keyboard?.lock?.();
    }
  } catch (error) {
    // The browser may refuse full screen or the keyboard lock; the desktop works without either.
    console.info("full screen:", error);
  }
}

export function leaveFullscreen(): void {
  if (document.fullscreenElement !== null) void document.exitFullscreen();
}

export function unlockKeyboard(): void {
  (navigator as NavigatorWithKeyboard).keyboard?.unlock?.();
}
