// A small line of what a number was: the newest at the right.
import { curve } from "./spark-curve.ts";

export function Spark({ values, room, label }: { values: readonly number[]; room: number; label: string }) {
  const points = curve(values, room);
  return (
    <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" role="img" aria-label={label}>
      {points !== "" && <polyline points={points} vector-effect="non-scaling-stroke" />}
    </svg>
  );
}
