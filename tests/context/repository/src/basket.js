const DISCOUNT = { from: 10, percent: 5 };

/** The sum of a basket in cents, with the discount for many pieces. */
export function basketTotal(lines) {
  const sum = lines.reduce((total, line) => total + lineTotal(line), 0);
  return applyDiscount(sum, countPieces(lines));
}

export const lineTotal = (line) => line.cents * line.pieces;

function countPieces(lines) {
  return lines.length;
}

function applyDiscount(sum, pieces) {
  return pieces >= DISCOUNT.from ? sum - (sum * DISCOUNT.percent) / 100 : sum;
}
