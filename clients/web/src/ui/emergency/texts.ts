/** The texts of emergency access in English; `texts_ko.ts` has the Korean ones. */

export const englishEmergency = {
  open: "Emergency access…",
  title: "Emergency access",
  hint: (minutes: string) =>
    `You may open a desktop that is not yours for ${minutes} min. It is recorded with your reason, and reviewed.`,
  desktop: "Desktop",
  reason: "Why do you need it now?",
  submit: "Open in an emergency",
  end: "End it now",
};

export type EmergencyTexts = typeof englishEmergency;

export const englishEmergencyMessages = {
  missing: (characters: number) => ({
    what: "The desktop was not opened.",
    why: `The reason has fewer than ${characters} characters.`,
    next: "Say in a sentence why you need it now.",
  }),
};
