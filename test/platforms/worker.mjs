/** A worker for workerd that takes the package as it is. Random numbers exist in a request only, and so do channels. */
import { observe } from './observe.mjs';

export default {
  fetch: async () => Response.json(await observe()),
};
