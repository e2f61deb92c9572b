// SPDX-License-Identifier: Apache-2.0
// A command line for the clang of @yowasp/clang, which sees only the files that it is given:
//	node clang.js SOURCE OUTPUT [options of clang]
import { readFileSync, writeFileSync } from "node:fs";
import { runClang } from "@yowasp/clang";

const [source, output, ...options] = process.argv.slice(2);
const made = await runClang(["clang", ...options, source, "-o", "output"], { [source]: readFileSync(source) });
writeFileSync(output, made["output"]);
