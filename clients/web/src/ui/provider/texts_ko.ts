/** Korean texts of signing in at the service of an organisation. */

import type { ProviderTexts } from "./texts.ts";

export const koreanProvider: ProviderTexts = {
  signIn: (title) => `${title} 계정으로 로그인`,
  unlock: (title) => `${title} 계정으로 잠금 해제`,
  opening: "로그인 서비스를 여는 중…",
  finishing: "로그인하는 중…",
  title: "로그인",
  goOn: "계속",
  or: "또는",
};
