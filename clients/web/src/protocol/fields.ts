/**
 * Checks of JSON values. A `Field` returns the checked value or throws ProtocolError; `record` combines fields.
 *
 * Unknown fields are ignored (PROTOCOL.md §1). A missing field, a wrong type or a value out of range is an error.
 */

import { ProtocolError } from "./errors.ts";

export type Field<T> = (value: unknown, path: string) => T;
export type Shape = Readonly<Record<string, Field<unknown>>>;
export type Infer<S extends Shape> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

function fail(path: string, expected: string): never {
  throw new ProtocolError(path, expected);
}

export function int(min: number, max: number): Field<number> {
  return (value, path) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return fail(path, `an integer from ${min} to ${max}`);
  };
}

export function float(min = -Number.MAX_VALUE, max = Number.MAX_VALUE): Field<number> {
  return (value, path) => {
    if (typeof value === "number" && Number.isFinite(value) && value >= min && value <= max) return value;
    return fail(path, "a number");
  };
}

export const bool: Field<boolean> = (value, path) => (typeof value === "boolean" ? value : fail(path, "true or false"));

/** Text of at most `max` UTF-16 units. */
export function str(max: number): Field<string> {
  return (value, path) =>
    typeof value === "string" && value.length <= max ? value : fail(path, `text of at most ${max} characters`);
}

export function oneOf<const T extends readonly (string | number)[]>(...allowed: T): Field<T[number]> {
  return (value, path) => {
    const found = allowed.find((candidate) => candidate === value);
    return found === undefined ? fail(path, `one of ${allowed.join(", ")}`) : found;
  };
}

/** A 64-bit number as 16 hexadecimal digits, because numbers in JSON are exact only up to 2⁵³. */
export const hex64: Field<bigint> = (value, path) =>
  typeof value === "string" && /^[0-9a-fA-F]{16}$/.test(value)
    ? BigInt(`0x${value}`)
    : fail(path, "16 hexadecimal digits");

export const base64: Field<string> = (value, path) =>
  typeof value === "string" && /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? value : fail(path, "base64");

export function nullable<T>(field: Field<T>): Field<T | null> {
  return (value, path) => (value === null ? null : field(value, path));
}

export function list<T>(field: Field<T>, max: number): Field<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > max) return fail(path, `a list of at most ${max} items`);
    return value.map((item, index) => field(item, `${path}[${index}]`));
  };
}

export function pair<T>(field: Field<T>): Field<readonly [T, T]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) return fail(path, "a list of two items");
    return [field(value[0], `${path}[0]`), field(value[1], `${path}[1]`)];
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object whose keys are any names and whose values are counts. */
export const counts: Field<Readonly<Record<string, number>>> = (value, path) => {
  if (!isRecord(value)) return fail(path, "an object");
  const field = int(0, Number.MAX_SAFE_INTEGER);
  return Object.fromEntries(Object.entries(value).map(([name, count]) => [name, field(count, `${path}.${name}`)]));
};

export function record<S extends Shape>(shape: S): Field<Infer<S>> {
  return (value, path) => {
    if (!isRecord(value)) return fail(path, "an object");
    const result: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(shape)) result[name] = field(value[name], `${path}.${name}`);
    return result as Infer<S>;
  };
}
