/** English texts of signing in at the service of an organisation. */

export const englishProvider = {
  signIn: (title: string) => `Sign in with ${title}`,
  unlock: (title: string) => `Unlock with ${title}`,
  opening: "Opening the sign-in service…",
  finishing: "Signing in…",
  title: "Sign in",
  goOn: "Continue",
  or: "or",
};

export type ProviderTexts = Readonly<typeof englishProvider>;
