// The site of an asset by how its device's name begins, from a table in the settings.

import { write } from "halo:integrator/log@1.0.0";
import * as settings from "halo:integrator/settings@1.0.0";

const OTHERWISE = ["user", "default", "leave"];

export function describe() {
  return {
    summary: "The site by how the device's name begins",
    properties: ["deviceName"],
    settings: [
      { name: "depots", summary: "a table: how the name begins = the site's name or number", required: true },
      { name: "otherwise", summary: "`user`, `default` or `leave`, for names that the table lacks", required: false },
    ],
  };
}

export function site(device, user, fallback) {
  const name = device.get("deviceName")?.val;
  const depot = name ? depotOf(name) : undefined;
  if (depot) {
    return { site: depot.site, reason: `${name} begins with ${depot.prefix}` };
  }
  const otherwise = settings.get("otherwise")?.val ?? "user";
  if (!OTHERWISE.includes(otherwise)) {
    throw `the setting \`otherwise\` is \`${otherwise}\`; it may be ${OTHERWISE.join(", ")}`;
  }
  if (otherwise === "leave") return { site: { tag: "leave" }, reason: null };
  const home = otherwise === "user" ? user?.get("siteId") : null;
  if (home) return { site: { tag: "numbered", val: home.val }, reason: "the site of its user" };
  return { site: { tag: "default" }, reason: null };
}

// The longest entry wins, so that `LON-WH` can lie within `LON`. Upper and lower case are one.
function depotOf(name) {
  let best;
  for (const [prefix, value] of settings.table("depots")) {
    const begins = name.toUpperCase().startsWith(prefix.toUpperCase());
    if (begins && (!best || prefix.length > best.prefix.length)) best = { prefix, site: choice(prefix, value) };
  }
  if (!best) write("debug", `no depot begins ${name}`);
  return best;
}

function choice(prefix, value) {
  if (value.tag === "text") return { tag: "named", val: value.val };
  if (value.tag === "whole") return { tag: "numbered", val: value.val };
  throw `\`depots.${prefix}\` must be the name or the number of a site`;
}
