/** The texts of signing in with a badge in English; `texts_ko.ts` has the Korean ones. */

export const englishBadgeReader = {
  title: "Badge",
  pin: "PIN",
  pinHint: "You are asked for it at the beginning of a shift.",
  password: "Password",
  newPinTitle: "Choose a PIN for your badge",
  newPinHint: "4 to 12 digits that nobody guesses. For this, your password is needed once.",
  newPin: "New PIN",
  againPin: "New PIN, once more",
  submit: "Go on",
  busy: "One moment…",
  cancel: "Cancel",
};

export type BadgeReaderTexts = typeof englishBadgeReader;

export const englishBadgeReaderMessages = {
  missing: {
    what: "You are not signed in yet.",
    why: "Something is missing.",
    next: "Fill in every field.",
  },
  pinsDiffer: {
    what: "You are not signed in yet.",
    why: "The two new PINs differ.",
    next: "Enter the new PIN once more.",
  },
  wrongPassword: {
    what: "You are not signed in yet.",
    why: "The password is wrong.",
    next: "Check it and try again.",
  },
};
