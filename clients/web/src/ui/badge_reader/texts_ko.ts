/** The texts of signing in with a badge in Korean. */

import type { BadgeReaderTexts, englishBadgeReaderMessages } from "./texts.ts";

export const koreanBadgeReader: BadgeReaderTexts = {
  title: "사원증",
  pin: "PIN",
  pinHint: "근무를 시작할 때 한 번 입력합니다.",
  password: "비밀번호",
  newPinTitle: "사원증 PIN 정하기",
  newPinHint: "추측하기 어려운 숫자 4~12자리로 정하세요. 이때 비밀번호를 한 번 입력해야 합니다.",
  newPin: "새 PIN",
  againPin: "새 PIN 확인",
  submit: "계속",
  busy: "잠시만 기다려 주세요…",
  cancel: "취소",
};

export const koreanBadgeReaderMessages: typeof englishBadgeReaderMessages = {
  missing: {
    what: "아직 로그인하지 않았습니다.",
    why: "입력하지 않은 항목이 있습니다.",
    next: "모든 항목을 입력하세요.",
  },
  pinsDiffer: {
    what: "아직 로그인하지 않았습니다.",
    why: "새 PIN 두 개가 서로 다릅니다.",
    next: "새 PIN을 다시 입력하세요.",
  },
  wrongPassword: {
    what: "아직 로그인하지 않았습니다.",
    why: "비밀번호가 올바르지 않습니다.",
    next: "확인하고 다시 시도하세요.",
  },
};
