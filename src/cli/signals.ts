/** Signals of a process that runs day and night. It imports nothing, so that it is in force at once. */

let hangUps = 0;
let onHangUp: (() => void) | undefined;

/** From now on SIGHUP waits for `onReload`, and SIGUSR1 opens no inspector. */
export function catchSignals(): void {
  process.on('SIGHUP', () => {
    hangUps++;
    onHangUp?.();
  });
  process.on('SIGUSR1', () => {});
}

/** Calls `reload` on each SIGHUP, and at once where one came before. */
export function onReload(reload: () => void): void {
  onHangUp = reload;
  if (hangUps > 0) reload();
}

/** Resolves with the name of the first SIGINT or SIGTERM. A second one ends the process at once. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let isStopping = false;
    for (const [signal, number] of [
      ['SIGINT', 2],
      ['SIGTERM', 15],
    ] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(128 + number);
        isStopping = true;
        resolve(signal);
      });
    }
  });
}
