/** What all requests of a gateway hold together, in bytes: above the limit new ones are refused before memory is. */

export interface Budget {
  isUsedUp(): boolean;
  /** Changes what is held; every positive amount is given back with its negative. */
  hold(bytes: number): void;
  readonly heldBytes: number;
}

export function createBudget(maxBytes: () => number): Budget {
  let held = 0;
  return {
    isUsedUp: () => held >= maxBytes(),
    hold: (bytes) => {
      held += bytes;
    },
    get heldBytes() {
      return held;
    },
  };
}
