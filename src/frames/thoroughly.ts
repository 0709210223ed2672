/** Does something with every item, whatever throws on the way; throws the first error when all had their turn. */
export function thoroughly<Item>(items: Iterable<Item>, action: (item: Item) => void): void {
  let failed = false;
  let first: unknown;
  for (const item of items) {
    try {
      action(item);
    } catch (error) {
      if (!failed) first = error;
      failed = true;
    }
  }
  if (failed) throw first;
}
