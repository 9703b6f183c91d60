/** The messages of the second factor in Korean. They say the same as those in `messages.ts`. */

import type { SecondFactorMessages } from "./messages.ts";

export const koreanSecondFactorMessages: SecondFactorMessages = {
  enrolment: {
    what: "이제부터 로그인할 때 2단계 인증이 필요합니다.",
    why: "비밀번호만으로는 추측하거나 훔쳐볼 수 있습니다.",
    next: "비밀번호와 함께 사용할 방법을 선택하세요.",
  },
  noMethodHere: {
    what: "여기서는 로그인할 수 없습니다.",
    why: "등록한 패스키는 이 브라우저나 이 주소에서 쓸 수 없고, 복구 코드도 없습니다.",
    next: "평소에 쓰는 서버 이름으로 접속하거나 전산 담당자에게 문의하세요.",
  },
  notCopied: {
    what: "복사하지 못했습니다.",
    why: "브라우저가 허용하지 않았습니다.",
    next: "코드를 인쇄하거나 적어 두세요.",
  },
  missing: {
    what: "아직 로그인하지 않았습니다.",
    why: "코드를 입력하지 않았습니다.",
    next: "코드를 입력하거나 다른 방법을 선택하세요.",
  },
  missingPassword: {
    what: "바뀐 것이 없습니다.",
    why: "입력하지 않은 비밀번호가 있습니다.",
    next: "모든 칸을 채우세요.",
  },
  passwordsDiffer: {
    what: "바뀐 것이 없습니다.",
    why: "새 비밀번호가 서로 다릅니다.",
    next: "새 비밀번호를 다시 입력하세요.",
  },
  wrongPassword: {
    what: "바뀐 것이 없습니다.",
    why: "현재 비밀번호가 올바르지 않습니다.",
    next: "확인하고 다시 시도하세요.",
  },
  tooMany: (s) => ({
    what: "잠시 기다려 주세요.",
    why: "실패한 시도가 너무 많았습니다.",
    next: `${s}초 후에 다시 시도하세요.`,
  }),
  passkey: {
    cancelled: {
      what: "패스키를 사용하지 않았습니다.",
      why: "취소되었거나 시간이 너무 오래 걸렸거나, 이 기기에 이 서버의 패스키가 없습니다.",
      next: "다시 시도하거나 다른 방법을 선택하세요.",
    },
    exists: {
      what: "패스키를 만들지 않았습니다.",
      why: "이 기기나 보안 키에 이미 본인의 패스키가 있습니다.",
      next: "그 패스키를 사용하거나 다른 기기를 사용하세요.",
    },
    failed: {
      what: "패스키를 사용하지 않았습니다.",
      why: "이 브라우저가 여기서는 허용하지 않습니다. 서버의 인증서를 신뢰하지 않을 수 있습니다.",
      next: "다른 방법을 선택하거나 관리자에게 알리세요.",
    },
  },
};
