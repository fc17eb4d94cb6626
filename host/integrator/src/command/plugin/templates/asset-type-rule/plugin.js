// Names the asset type of devices whose model contains one of the words in the settings.

import { write } from "halo:integrator/log@1.0.0";
import * as settings from "halo:integrator/settings@1.0.0";

export function describe() {
  return {
    summary: "The type of devices whose model contains a word",
    properties: ["model"],
    settings: [
      { name: "type", summary: "the asset type", required: true },
      { name: "words", summary: "words in the model", required: true },
    ],
  };
}

// A value is { tag, val }; what Intune does not hold is undefined. What is thrown holds the device.
export function assetType(device) {
  const model = device.get("model")?.val;
  if (!model) return { assetType: null, reason: null };
  const type = settings.get("type");
  const words = settings.get("words");
  if (type?.tag !== "text") throw "the setting `type` must be a text";
  if (words?.tag !== "texts") throw "the setting `words` must be a list of texts";
  const word = words.val.find((word) => model.toLowerCase().includes(word.toLowerCase()));
  if (word === undefined) return { assetType: null, reason: null };
  write("debug", `${model} is a ${type.val}`);
  return { assetType: type.val, reason: `the model names ${word}` };
}
