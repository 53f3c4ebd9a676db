//! The texts and settings that say how code is written: one entry for each tool, in their order of
//! value. The names of files and sections are those of the tools' own documentation.

/// Where something is written down in a folder.
pub(super) enum Place {
    /// A file of its own.
    File(&'static str),
    /// Tables of a TOML file, with the tables below them.
    Toml(&'static str, &'static [&'static str]),
    /// Members of a JSON file's object.
    Json(&'static str, &'static [&'static str]),
    /// Sections of a file that is written as INI files are.
    Ini(&'static str, &'static [&'static str]),
    /// A file whose sections are patterns of the files that they are about.
    Patterns(&'static str),
}

/// A tool, or who reads it.
pub(super) struct Convention {
    /// The endings of the files that it is about; all files where there are none.
    pub(super) about: &'static [&'static str],
    /// Of these, the first that says something in a folder counts there.
    pub(super) places: &'static [Place],
}

use Place::{File, Ini, Json, Patterns, Toml};

const ALL: &[&str] = &[];
const C: &[&str] = &["c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "inl", "m", "mm", "cu", "proto"];
const C_SHARP: &[&str] = &["cs"];
const GO: &[&str] = &["go"];
const JAVA: &[&str] = &["java"];
const KOTLIN: &[&str] = &["kt", "kts"];
const LUA: &[&str] = &["lua"];
const MARKDOWN: &[&str] = &["md", "mdx"];
const PHP: &[&str] = &["php"];
const PYTHON: &[&str] = &["py", "pyi"];
const RUBY: &[&str] = &["rb", "rake", "gemspec", "ru"];
const RUST: &[&str] = &["rs"];
const SCALA: &[&str] = &["scala", "sc", "sbt"];
const SCRIPTS: &[&str] = &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte"];
const SHELL: &[&str] = &["sh", "bash", "ksh", "bats"];
const SQL: &[&str] = &["sql"];
const STYLES: &[&str] = &["css", "scss", "sass", "less"];
const SWIFT: &[&str] = &["swift"];
const YAML: &[&str] = &["yaml", "yml"];
/// What formatters of the web format.
const WEB: &[&str] = &[
    "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte", "css", "scss", "less", "html",
    "json", "jsonc", "graphql", "gql", "md", "mdx", "yaml", "yml",
];

const fn tool(about: &'static [&'static str], places: &'static [Place]) -> Convention {
    Convention { about, places }
}

pub(super) const CONVENTIONS: &[Convention] = &[
    // What is written for people and for tools like this one.
    tool(ALL, &[File("AGENTS.md")]),
    tool(ALL, &[File("CLAUDE.md")]),
    tool(ALL, &[File("CONTRIBUTING.md"), File("CONTRIBUTING"), File(".github/CONTRIBUTING.md")]),
    tool(ALL, &[File(".github/copilot-instructions.md")]),
    // Rust.
    tool(RUST, &[File("rustfmt.toml"), File(".rustfmt.toml")]),
    tool(RUST, &[File("clippy.toml"), File(".clippy.toml")]),
    tool(RUST, &[Toml("Cargo.toml", &["lints", "workspace.lints"])]),
    // Python.
    tool(PYTHON, &[File(".ruff.toml"), File("ruff.toml"), Toml("pyproject.toml", &["tool.ruff"])]),
    tool(PYTHON, &[Toml("pyproject.toml", &["tool.black"])]),
    tool(PYTHON, &[Ini(".flake8", &["flake8"]), Ini("setup.cfg", &["flake8"]), Ini("tox.ini", &["flake8"])]),
    tool(
        PYTHON,
        &[
            Ini("mypy.ini", &["mypy"]),
            Ini(".mypy.ini", &["mypy"]),
            Toml("pyproject.toml", &["tool.mypy"]),
            Ini("setup.cfg", &["mypy"]),
        ],
    ),
    tool(PYTHON, &[File("pyrightconfig.json"), Toml("pyproject.toml", &["tool.pyright"])]),
    tool(
        PYTHON,
        &[
            File("pylintrc"),
            File(".pylintrc"),
            Toml("pyproject.toml", &["tool.pylint"]),
            Ini("setup.cfg", &["pylint"]),
        ],
    ),
    tool(
        PYTHON,
        &[File(".isort.cfg"), Toml("pyproject.toml", &["tool.isort"]), Ini("setup.cfg", &["isort"])],
    ),
    tool(PYTHON, &[File(".style.yapf"), Ini("setup.cfg", &["yapf"]), Toml("pyproject.toml", &["tool.yapf"])]),
    // Scripts and the web.
    tool(WEB, &[File("biome.json"), File("biome.jsonc"), File(".biome.json"), File(".biome.jsonc")]),
    tool(
        SCRIPTS,
        &[
            File("eslint.config.js"),
            File("eslint.config.mjs"),
            File("eslint.config.cjs"),
            File("eslint.config.ts"),
            File("eslint.config.mts"),
            File("eslint.config.cts"),
            File(".eslintrc.js"),
            File(".eslintrc.cjs"),
            File(".eslintrc.yaml"),
            File(".eslintrc.yml"),
            File(".eslintrc.json"),
            File(".eslintrc"),
            Json("package.json", &["eslintConfig"]),
        ],
    ),
    tool(
        WEB,
        &[
            Json("package.json", &["prettier"]),
            File(".prettierrc"),
            File(".prettierrc.json"),
            File(".prettierrc.yaml"),
            File(".prettierrc.yml"),
            File(".prettierrc.json5"),
            File(".prettierrc.toml"),
            File(".prettierrc.js"),
            File(".prettierrc.mjs"),
            File(".prettierrc.cjs"),
            File(".prettierrc.ts"),
            File("prettier.config.js"),
            File("prettier.config.mjs"),
            File("prettier.config.cjs"),
            File("prettier.config.ts"),
        ],
    ),
    tool(
        STYLES,
        &[
            File(".stylelintrc"),
            File(".stylelintrc.json"),
            File(".stylelintrc.yaml"),
            File(".stylelintrc.yml"),
            File("stylelint.config.js"),
            File("stylelint.config.mjs"),
            File("stylelint.config.cjs"),
        ],
    ),
    tool(SCRIPTS, &[File("deno.json"), File("deno.jsonc")]),
    // Go.
    tool(
        GO,
        &[File(".golangci.yml"), File(".golangci.yaml"), File(".golangci.toml"), File(".golangci.json")],
    ),
    // Ruby.
    tool(RUBY, &[File(".rubocop.yml")]),
    tool(RUBY, &[File(".standard.yml")]),
    // C and its like.
    tool(C, &[File(".clang-format"), File("_clang-format")]),
    tool(C, &[File(".clang-tidy")]),
    // The languages of the virtual machines.
    tool(JAVA, &[File("checkstyle.xml"), File("config/checkstyle/checkstyle.xml"), File(".checkstyle.xml")]),
    tool(
        KOTLIN,
        &[
            File("detekt.yml"),
            File("detekt.yaml"),
            File("config/detekt/detekt.yml"),
            File("config/detekt.yml"),
            File(".detekt.yml"),
        ],
    ),
    tool(SCALA, &[File(".scalafmt.conf")]),
    tool(SCALA, &[File(".scalafix.conf")]),
    tool(C_SHARP, &[File("stylecop.json")]),
    // Swift.
    tool(SWIFT, &[File(".swiftlint.yml"), File(".swiftlint.yaml")]),
    tool(SWIFT, &[File(".swift-format")]),
    tool(SWIFT, &[File(".swiftformat")]),
    // PHP.
    tool(PHP, &[File(".phpcs.xml"), File("phpcs.xml"), File(".phpcs.xml.dist"), File("phpcs.xml.dist")]),
    tool(PHP, &[File(".php-cs-fixer.php"), File(".php-cs-fixer.dist.php")]),
    tool(PHP, &[File("phpstan.neon"), File("phpstan.neon.dist"), File("phpstan.dist.neon")]),
    tool(PHP, &[File("pint.json")]),
    // Lua, shells, SQL.
    tool(LUA, &[File("stylua.toml"), File(".stylua.toml")]),
    tool(LUA, &[File(".luacheckrc")]),
    tool(LUA, &[File("selene.toml")]),
    tool(SHELL, &[File(".shellcheckrc"), File("shellcheckrc")]),
    tool(
        SQL,
        &[File(".sqlfluff"), Toml("pyproject.toml", &["tool.sqlfluff"]), Ini("setup.cfg", &["sqlfluff"])],
    ),
    // Documents and data.
    tool(
        MARKDOWN,
        &[
            File(".markdownlint-cli2.jsonc"),
            File(".markdownlint-cli2.yaml"),
            File(".markdownlint.jsonc"),
            File(".markdownlint.json"),
            File(".markdownlint.yaml"),
            File(".markdownlint.yml"),
        ],
    ),
    tool(YAML, &[File(".yamllint"), File(".yamllint.yaml"), File(".yamllint.yml")]),
    // Everything, and the tools that read their settings there, as those of Kotlin and C# do.
    tool(ALL, &[Patterns(".editorconfig")]),
];
