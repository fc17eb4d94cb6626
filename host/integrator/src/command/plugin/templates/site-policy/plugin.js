// Decides the site by the device's category, from a table in the settings; else by its user.

import { write } from "halo:integrator/log@1.0.0";
import * as settings from "halo:integrator/settings@1.0.0";

export function describe() {
  return {
    summary: "The site by the device's category, else that of its user",
    properties: ["deviceCategoryDisplayName"],
    settings: [{ name: "sites", summary: "a table: category = site", required: true }],
  };
}

// A value is { tag, val }; what Intune does not hold is undefined. What is thrown holds the device.
export function site(device, user, fallback) {
  const category = device.get("deviceCategoryDisplayName")?.val;
  const entry = settings.table("sites").find(([name]) => name === category);
  if (entry) {
    write("debug", `${category} stands in the table`);
    return { site: { tag: "named", val: entry[1].val }, reason: `the category ${category}` };
  }
  const home = user?.get("siteId")?.val;
  if (home) return { site: { tag: "numbered", val: home }, reason: "the site of its user" };
  return { site: { tag: "default" }, reason: null };
}
