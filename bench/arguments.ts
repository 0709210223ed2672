/** Readers for the command lines of the bench. */
import { InvalidArgumentError } from 'commander';

/** `160,1200` */
export function numbersArgument(list: string): number[] {
  if (!/^\d{1,6}(,\d{1,6})*$/.test(list))
    throw new InvalidArgumentError('Expected whole numbers with commas between them.');
  return list.split(',').map(Number);
}
