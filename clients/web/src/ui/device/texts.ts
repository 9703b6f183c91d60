/** The texts about enrolled devices in English; `texts_ko.ts` has the Korean ones. */

export const englishDevice = {
  title: "Enrol this device",
  hint: "Only for administrators: the code says what this device is and where it stands. It stays enrolled until it is revoked.",
  code: "One-time code",
  submit: "Enrol",
  busy: "Enrolling…",
  done: (name: string, place: string) => `This device is now ${name}, ${place}.`,
  present: (name: string, place: string) => `At present it is ${name}, ${place}. A new code enrols it anew.`,
  goOn: "Go to the sign-in page",
  here: (name: string, place: string) => `${name} · ${place}`,
};

export type DeviceTexts = typeof englishDevice;

export const englishDeviceMessages = {
  missing: {
    what: "This device is not enrolled yet.",
    why: "The code is missing.",
    next: "Enter the code that your administrator made.",
  },
};
