#!/usr/bin/env python3
"""What a glance can check about the sources, as a test: under a second, no compiler.

1. No line of a source is longer than 120 characters, no file longer than 1000 lines.
2. No file or folder is called util, helper, common, misc or manager.
3. No std::regex, std::cout, detach() or sleep outside tests, benchmarks and the load generator.

4. protozero comes in through base/protozero.h alone.
5. Links between Markdown files of the repository lead somewhere. Nothing over 1 MB is tracked by
   accident (recorded test data under tests/ excepted).

Exit status: 0 clean, 1 findings (one a line, path:line first).
"""
import pathlib, re, subprocess, sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
files = [root / name for name in listed.stdout.splitlines()] if listed.returncode == 0 else \
        [p for p in root.rglob("*") if "build" not in p.parts and ".git" not in p.parts]
findings = []
banned_names = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager)(_|\.|$)")
banned_code = re.compile(r"std::regex\b|std::cout\b|\.detach\(\)|\bsleep_for\b|\busleep\(")

for path in files:
    if not path.is_file():
        continue
    where = path.relative_to(root)
    if path.suffix in (".h", ".cpp"):
        if banned_names.search(path.name):
            findings.append(f"{where}:1: name the idea, not its usefulness")
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > 1000:
            findings.append(f"{where}:1: {len(lines)} lines; split by idea")
        checked = not re.search(r"_(test|bench|fuzz)\.cpp$", path.name) and "tests" not in where.parts
        for number, line in enumerate(lines, 1):
            if len(line) > 120 and "http" not in line and 'R"(' not in line:
                findings.append(f"{where}:{number}: {len(line)} characters, limit is 120")
            if "#include <protozero" in line and where.as_posix() != "src/base/protozero.h":
                findings.append(f"{where}:{number}: include base/protozero.h instead")
            if checked and banned_code.search(line.split("//")[0]):
                findings.append(f"{where}:{number}: {banned_code.search(line)[0]} is not used here")
    elif path.suffix == ".md":
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                    findings.append(f"{where}:{number}: broken link {target}")
    if path.stat().st_size > 1_000_000 and where.parts[0] != "tests":
        findings.append(f"{where}:1: {path.stat().st_size} bytes in git")

print("\n".join(findings) or f"tidy: {len(files)} files, no finding")
sys.exit(bool(findings))
