// Unit tests need nothing; those against a real hub need its binary, and say so where there is none.
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { dir: "test", testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false } });
