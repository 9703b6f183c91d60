/** The texts of emergency access in Korean. */

import type { EmergencyTexts, englishEmergencyMessages } from "./texts.ts";

export const koreanEmergency: EmergencyTexts = {
  open: "응급 접근…",
  title: "응급 접근",
  hint: (minutes) => `권한이 없는 데스크톱을 ${minutes}분 동안 열 수 있습니다. 사유와 함께 기록되고 검토됩니다.`,
  desktop: "데스크톱",
  reason: "지금 필요한 이유",
  submit: "응급으로 열기",
  end: "지금 끝내기",
};

export const koreanEmergencyMessages: typeof englishEmergencyMessages = {
  missing: (characters) => ({
    what: "데스크톱을 열지 않았습니다.",
    why: `사유가 ${characters}자보다 짧습니다.`,
    next: "지금 필요한 이유를 한 문장으로 적어 주세요.",
  }),
};
