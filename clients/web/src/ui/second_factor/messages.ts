/** The messages of the second factor in English; `messages_ko.ts` has the Korean ones. */

import type { MessageGroup } from "../message.ts";

export const englishSecondFactorMessages = {
  enrolment: {
    what: "Signing in takes a second step from now on.",
    why: "A password alone can be guessed or read over your shoulder.",
    next: "Choose what you would like to use besides your password.",
  },
  noMethodHere: {
    what: "You cannot sign in here.",
    why: "Your passkeys do not work in this browser or at this address, and you have no recovery code.",
    next: "Open the server by the name that you use otherwise, or ask the helpdesk.",
  },
  notCopied: {
    what: "Nothing was copied.",
    why: "The browser did not allow it.",
    next: "Print the codes, or write them down.",
  },
  missing: {
    what: "You are not signed in yet.",
    why: "The code is missing.",
    next: "Enter it, or choose another way.",
  },
  missingPassword: {
    what: "Nothing was changed.",
    why: "A password is missing.",
    next: "Fill in every field.",
  },
  passwordsDiffer: {
    what: "Nothing was changed.",
    why: "The two new passwords differ.",
    next: "Enter the new password once more.",
  },
  wrongPassword: {
    what: "Nothing was changed.",
    why: "Your present password is wrong.",
    next: "Check it and try again.",
  },
  tooMany: (s: number) => ({
    what: "Please wait.",
    why: "Too many attempts have failed.",
    next: `Try again in ${s} s.`,
  }),
  passkey: {
    cancelled: {
      what: "No passkey was used.",
      why: "It was cancelled, took too long, or this device has none for this server.",
      next: "Try again, or choose another way.",
    },
    exists: {
      what: "No passkey was created.",
      why: "This device or security key has one for you already.",
      next: "Use that one, or take another device.",
    },
    failed: {
      what: "No passkey was used.",
      why: "This browser does not allow it here. It may not trust the server’s certificate.",
      next: "Choose another way, or tell your administrator.",
    },
  },
} satisfies MessageGroup;

export type SecondFactorMessages = typeof englishSecondFactorMessages;
