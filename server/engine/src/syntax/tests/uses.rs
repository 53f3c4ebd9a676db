//! What files call and import.

use super::*;

#[test]
fn rust() {
    let source = r#"use std::{fmt, collections::BTreeMap as Map, io::*};
use crate::one::two;
extern crate proc_macro;
#[derive(Debug)]
fn f() {
    plain(1);
    a::b::path::<u8>(nested(x));
    value.method::<T>()?.chained().await;
    assert_eq!(inner(1), Some(x.deeper(2)), "{}", format!("x"));
    (table[0])();
    Vec::<Vec<u8>>::with_capacity(1);
}
"#;
    insta::assert_snapshot!(uses(Language::Rust, source), @r"
    calls plain path nested method chained assert_eq inner Some deeper with_capacity
    imports std fmt BTreeMap io two proc_macro
    ");
}

#[test]
fn python() {
    let source = r#"import os, a.b.c as d
from .models import User as U, Group
from . import views
from x import *

@decorated(1)
class A(B()):
    def f(self):
        self.g(h(1))[0]()
        print(f"{call()}")
        return super().f().k()
"#;
    insta::assert_snapshot!(uses(Language::Python, source), @r"
    calls decorated B g h print call super f k
    imports os c models User Group views x
    ");
}

#[test]
fn javascript() {
    let source = r#"import def, { a, b as c } from "./mod.js";
import * as all from 'pkg/sub';
import "side";
export { z } from "./again";
const fs = require("node:fs"), later = import("./lazy");
new Thing.Inner(1);
a?.b?.(x).then(() => this.#rest());
tag`x ${inner()}`;
const page = <Card.Title a={title()}><div/><Button/></Card.Title>;
"#;
    insta::assert_snapshot!(uses(Language::JavaScript, source), @r"
    calls Inner b then #rest tag inner Title title Button
    imports def a b ./mod.js all pkg/sub side z ./again node:fs ./lazy
    ");
}

#[test]
fn typescript() {
    let source = r#"import type { A } from "./a";
@Component({ provide: [make()] })
class X { constructor(private y = new Map<string, Set<A>>()) { this.y.get<A>("a"); } }
f<A>(g as B)!;
"#;
    insta::assert_snapshot!(uses(Language::TypeScript, source), @r"
    calls Component make Map get f
    imports A ./a
    ");
    insta::assert_snapshot!(uses(Language::Tsx, "import a from 'a';\nconst b = <A.B c={d<E>()}/>;\n"), @r"
    calls B d
    imports a a
    ");
}

#[test]
fn go() {
    let source = "package p\nimport (\n\t\"net/http\"\n\tx \"a/b\"\n)\nfunc f() { http.Get(g(1)); m[int](2); go func() {}(); x.Y{}.Z() }\n";
    insta::assert_snapshot!(uses(Language::Go, source), @r"
    calls Get g Z
    imports net/http a/b
    ");
}

#[test]
fn java() {
    let source = "import a.b.C;\nimport static a.D.*;\nclass X { @A(v = 1) void f() { g(this.h()); new Map<String, I>(j()); super.k(); String::valueOf; } }\n";
    insta::assert_snapshot!(uses(Language::Java, source), @r"
    calls g h Map j k
    imports C D
    ");
}

#[test]
fn c_and_cpp() {
    let source =
        "#include <stdio.h>\n#include \"a/b.h\"\nint f(void) { return g(h(1)) + p->q(2) + (*r)(3); }\n";
    insta::assert_snapshot!(uses(Language::C, source), @r"
    calls g h q
    imports stdio.h a/b.h
    ");
    let source = "#include <vector>\nusing std::swap;\nint f() { a::b<int>(c); d.e<f>(); new G<int>(1); H::I(); return x > y(); }\n";
    insta::assert_snapshot!(uses(Language::Cpp, source), @r"
    calls b e G I y
    imports vector swap
    ");
}
