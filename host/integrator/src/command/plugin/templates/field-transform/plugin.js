// Writes texts in upper case and without blanks around them, and takes placeholders for no value.

import { write } from "halo:integrator/log@1.0.0";
import * as settings from "halo:integrator/settings@1.0.0";

export function describe() {
  return {
    summary: "Upper case without blanks around it; placeholders are no value",
    properties: ["manufacturer"],
    settings: [
      { name: "placeholders", summary: "texts that stand for no value, in upper case", required: true },
    ],
  };
}

// A value is { tag, val }; what Intune does not hold is undefined. What is thrown holds the device.
export function transform(device, field, value) {
  if (value?.tag !== "text") return { change: { tag: "leave" }, reason: null };
  const placeholders = settings.get("placeholders");
  if (placeholders?.tag !== "texts") throw "the setting `placeholders` must be a list of texts";
  const text = value.val.trim().toUpperCase();
  if (placeholders.val.includes(text)) {
    const maker = device.get("manufacturer")?.val ?? "an unknown manufacturer";
    write("debug", `${field} holds a placeholder`);
    return { change: { tag: "clear" }, reason: `${text} is a placeholder of ${maker}` };
  }
  return { change: { tag: "set", val: { tag: "text", val: text } }, reason: null };
}
