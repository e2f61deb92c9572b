// SPDX-License-Identifier: Apache-2.0
// Arguments, numbers, memory that grows, and a status of its own.
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let two: f64 = words.len() as f64;
    println!("{} {:.6}", words.concat(), two.sqrt());
    std::process::exit(5);
}
