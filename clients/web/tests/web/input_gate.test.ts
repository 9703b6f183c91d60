import { describe, expect, it } from "vitest";
import { InputGate } from "../../src/protocol/input_gate.ts";

const press = JSON.stringify({ type: "key", keysym: 120, code: "KeyX", down: true });
const release = JSON.stringify({ type: "key", keysym: 120, code: "KeyX", down: false });
const button = (buttons: number): string => JSON.stringify({ type: "pointer", x: 1, y: 2, buttons });

const control = (down: boolean): string => JSON.stringify({ type: "key", keysym: 0xffe3, code: "ControlLeft", down });

/** Opens the gate and returns what it sends. */
function opened(gate: InputGate): unknown[] {
  return gate.setOpen(true).map((text) => JSON.parse(text));
}

describe("input gate", () => {
  it("stamps what it admits with the agent's clock, once it is known", () => {
    const gate = new InputGate();
    expect(gate.admit(press, null)).toBe(press);
    expect(JSON.parse(gate.admit(press, 12.34) ?? "")).toEqual({ ...JSON.parse(press), t: 12.3 });
  });

  it("drops everything while it is closed, and releases everything when it opens", () => {
    const gate = new InputGate();
    expect(gate.setOpen(false)).toEqual([]);
    expect(gate.admit(press, 1)).toBeNull();
    expect(gate.setOpen(false)).toEqual([]);
    expect(opened(gate)).toEqual([{ type: "release", buttons: 0 }]);
    expect(gate.setOpen(true)).toEqual([]);
    expect(gate.admit(press, null)).toBe(press);
  });

  it("sends nothing extra after a gap without input, so that a drag survives", () => {
    const gate = new InputGate();
    gate.admit(button(1), 1);
    gate.setOpen(false);
    expect(gate.setOpen(true)).toEqual([]);
  });

  it("names the buttons that the person presses when it opens", () => {
    const gate = new InputGate();
    gate.setOpen(false);
    gate.admit(button(1), 1);
    expect(opened(gate)).toEqual([{ type: "release", buttons: 1 }]);
    gate.setOpen(false);
    gate.admit(button(0), 1);
    expect(opened(gate)).toEqual([{ type: "release", buttons: 0 }]);
  });

  it("presses modifiers again that the person holds, whether they were pressed before or in the gap", () => {
    const gate = new InputGate();
    gate.admit(control(true), 1);
    gate.setOpen(false);
    const pressed = { type: "key", keysym: 0xffe3, code: "ControlLeft", down: true, repeat: false };
    expect(opened(gate)).toEqual([pressed]);
    gate.setOpen(false);
    gate.admit(press, 1);
    expect(opened(gate)).toEqual([{ type: "release", buttons: 0 }, pressed]);
    gate.setOpen(false);
    gate.admit(control(false), 1);
    expect(opened(gate)).toEqual([{ type: "release", buttons: 0 }]);
    gate.setOpen(false);
    gate.admit(control(true), 1);
    expect(opened(gate)).toEqual([{ type: "release", buttons: 0 }, pressed]);
    gate.admit(JSON.stringify({ type: "release" }), 1);
    gate.setOpen(false);
    expect(gate.setOpen(true)).toEqual([]);
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
