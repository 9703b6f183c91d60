"""Uses pages with the keyboard alone, and finds what cannot be reached with it."""

from __future__ import annotations

from tests.e2e.browsers.browser import Browser

#: More presses of Tab than any page has controls.
PRESSES_MAX = 90
#: Marks everything that a person could use with a mouse at this moment.
MARK_WANTED = """
const within = document.querySelector('WITHIN');
const all = within.querySelectorAll('button, a[href], input, select, textarea:not(.keyboard-field)');
for (const element of document.querySelectorAll('[data-wanted]')) element.removeAttribute('data-wanted');
for (const element of document.querySelectorAll('[data-tabbed]')) element.removeAttribute('data-tabbed');
for (const element of all) {
  const usable = !element.disabled && element.checkVisibility({ visibilityProperty: true });
  element.toggleAttribute('data-wanted', usable);
}
return document.querySelectorAll('[data-wanted]').length;
"""
#: Marks the element that has the focus. Returns whether it was reached before, or belongs to the desktop. Tab
#: stops several times in a field for a date.
MARK_REACHED = """
const element = document.activeElement;
const again = element.hasAttribute('data-tabbed') && element.type !== 'date';
const done = again || element.classList.contains('keyboard-field');
element.setAttribute('data-tabbed', '');
return done;
"""
#: Returns the name of the control that has the focus, and whether the desktop has it.
FOCUSED = """
const element = document.activeElement;
return [element.getAttribute('aria-label'), element.classList.contains('keyboard-field')];
"""
UNREACHED = """
return [...document.querySelectorAll('[data-wanted]:not([data-tabbed])')]
  .map((element) => element.getAttribute('aria-label') ?? element.textContent);
"""


def unreached(browser: Browser, within: str = "body") -> list[str]:
    """Presses Tab until everything was reached. Returns the names of what never had the focus.

    `within` is the selector of a dialog, while one is open.
    """
    assert browser.evaluate(MARK_WANTED.replace("WITHIN", within)) > 0
    browser.evaluate(MARK_REACHED)
    for _ in range(PRESSES_MAX):
        browser.tap("Tab")
        if browser.evaluate(MARK_REACHED):
            break
    found: list[str] = browser.evaluate(UNREACHED)
    return found


def focus_toolbar(browser: Browser) -> None:
    """Presses the shortcut that moves the keyboard from the desktop to the toolbar."""
    for key in ("Control", "Alt"):
        browser.key_down(key)
    browser.tap("Home")
    for key in ("Alt", "Control"):
        browser.key_up(key)


def focus(browser: Browser, label: str) -> None:
    """Presses Tab until the control with this name has the focus; the desktop is left by its shortcut."""
    for _ in range(PRESSES_MAX):
        name, on_desktop = browser.evaluate(FOCUSED)
        if name == label:
            return
        if on_desktop:
            focus_toolbar(browser)
        else:
            browser.tap("Tab")
    raise AssertionError(f"Tab never reaches {label!r}")
