// A value with its 95 % interval and n, as the service measured it.

import { h } from "./dom.js";
import { percent } from "./format.js";

export function figure(estimate) {
  if (!estimate?.n || estimate.value === null) return ["–"];
  return [percent(estimate.value), h("small", {}, `[${Math.round(100 * estimate.low)}, ${Math.round(100 * estimate.high)}] n ${estimate.n}`)];
}
