// SPDX-License-Identifier: Apache-2.0
// Arguments, numbers, memory that grows, and a status of its own.
const words = process.argv.slice(1);
const root = Math.round(Math.sqrt(<f64>words.length) * 1000000) / 1000000;
console.log(words.join("") + " " + root.toString());
process.exit(5);
