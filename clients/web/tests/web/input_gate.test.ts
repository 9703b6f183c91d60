import { describe, expect, it } from "vitest";
import { InputGate } from "../../src/protocol/input_gate.ts";

const press = JSON.stringify({ type: "key", keysym: 120, code: "KeyX", down: true });
const release = JSON.stringify({ type: "key", keysym: 120, code: "KeyX", down: false });
const button = (buttons: number): string => JSON.stringify({ type: "pointer", x: 1, y: 2, buttons });

describe("input gate", () => {
  it("stamps what it admits with the agent's clock, once it is known", () => {
    const gate = new InputGate();
    expect(gate.admit(press, null)).toBe(press);
    expect(JSON.parse(gate.admit(press, 12.34) ?? "")).toEqual({ ...JSON.parse(press), t: 12.3 });
  });

  it("drops everything while it is closed, and releases everything when it opens", () => {
    const gate = new InputGate();
    expect(gate.setOpen(false)).toBeNull();
    expect(gate.admit(press, 1)).toBeNull();
    expect(gate.setOpen(false)).toBeNull();
    expect(JSON.parse(gate.setOpen(true) ?? "")).toEqual({ type: "release", buttons: 0 });
    expect(gate.setOpen(true)).toBeNull();
    expect(gate.admit(press, null)).toBe(press);
  });

  it("sends nothing extra after a gap without input, so that a drag survives", () => {
    const gate = new InputGate();
    gate.admit(button(1), 1);
    gate.setOpen(false);
    expect(gate.setOpen(true)).toBeNull();
  });

  it("names the buttons that the person presses when it opens", () => {
    const gate = new InputGate();
    gate.setOpen(false);
    gate.admit(button(1), 1);
    expect(JSON.parse(gate.setOpen(true) ?? "")).toEqual({ type: "release", buttons: 1 });
    gate.setOpen(false);
    gate.admit(button(0), 1);
    expect(JSON.parse(gate.setOpen(true) ?? "")).toEqual({ type: "release", buttons: 0 });
  });

  it("announces a loss once per gap, and only of what does something", () => {
    const gate = new InputGate();
    gate.setOpen(false);
    expect([release, button(0), press, press].map((text) => gate.mustAnnounce(text))).toEqual([
      false,
      false,
      true,
      false,
    ]);
    gate.setOpen(true);
    gate.setOpen(false);
    expect(gate.mustAnnounce(press)).toBe(true);
  });
});
