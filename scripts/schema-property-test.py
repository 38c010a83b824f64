#!/usr/bin/env python3
"""Compare our JSON Schema validator with PyPI's `jsonschema` on random schemas and instances.

Each schema is judged on several instances: random ones, and ones that were made to fit it more or less. Both validators see
the same JSON text. Needs `pip install jsonschema`; exits 1 at the first batch with a difference, which it prints.

    scripts/schema-property-test.py --pairs 100000 --binary .build/release/aikit-lua
"""

import argparse
import json
import random
import subprocess
import sys

import jsonschema

KEYS = ["a", "b", "c", "ab", "x-y", "é", "", "a/b", "~"]
STRINGS = ["", "a", "ab", "abc", "aé", "😀", "😀😀", "0", "42", "x y", "A1"]
# Both engines read these the same way; what ECMA-262 and Python read differently is left to the unit tests.
PATTERNS = ["^a", "b$", "^[a-z]*$", "[0-9]", "^.{2}$", "^(a|b)+$", "a", "^$", "^x-"]
NUMBERS = [0, 1, -1, 2, 3, 7, 0.5, 1.0, 1.5, -2.5, 100, 1e3, 2.0, 4294967296, 9007199254740993, -9223372036854775808,
           9223372036854775807, -0.0]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, probability):
        return self.random.random() < probability

    # Instances

    def value(self, depth):
        kind = self.random.choice(TYPES if depth > 0 else TYPES[:5])
        if kind == "null":
            return None
        if kind == "boolean":
            return self.chance(0.5)
        if kind in ("integer", "number"):
            return self.random.choice(NUMBERS) if self.chance(0.7) else self.random.randint(-20, 20)
        if kind == "string":
            return self.random.choice(STRINGS)
        if kind == "array":
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 4))]
        return {self.random.choice(KEYS): self.value(depth - 1) for _ in range(self.random.randint(0, 4))}

    def fitting(self, schema, root, depth):
        """A value that has a fair chance to satisfy the schema."""
        if not isinstance(schema, dict) or depth <= 0 or self.chance(0.08):
            return self.value(max(depth, 0))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        reference = schema.get("$ref", schema.get("$dynamicRef"))
        if reference is not None and self.chance(0.7):
            name = reference.split("/")[-1].lstrip("#")
            return self.fitting(root.get("$defs", {}).get(name, root), root, depth - 1)
        for union in ("anyOf", "oneOf", "allOf"):
            if union in schema and self.chance(0.5):
                return self.fitting(self.random.choice(schema[union]), root, depth - 1)
        types = schema.get("type")
        if isinstance(types, str):
            types = [types]
        if not types:
            types = ["object"] if "properties" in schema or "required" in schema else None
            if not types:
                types = ["array"] if "items" in schema or "prefixItems" in schema else [self.random.choice(TYPES)]
        kind = self.random.choice(types)
        if kind == "object":
            result = {}
            for key, member in schema.get("properties", {}).items():
                if self.chance(0.7):
                    result[key] = self.fitting(member, root, depth - 1)
            for key in schema.get("required", []):
                if key not in result and self.chance(0.9):
                    result[key] = self.value(depth - 1)
            if self.chance(0.3):
                result[self.random.choice(KEYS)] = self.value(depth - 1)
            return result
        if kind == "array":
            prefix = [self.fitting(item, root, depth - 1) for item in schema.get("prefixItems", [])]
            rest = schema.get("items", schema.get("contains", True))
            count = min(schema.get("minItems", 0) + self.random.randint(0, 2), 6)
            return prefix + [self.fitting(rest, root, depth - 1) for _ in range(max(0, count - len(prefix)))]
        if kind in ("integer", "number"):
            low = schema.get("minimum", schema.get("exclusiveMinimum", -5))
            step = schema.get("multipleOf", 1)
            return low + self.random.randint(0, 5) * step if abs(low) < 1e15 else low
        if kind == "string":
            return self.random.choice(STRINGS)
        return None if kind == "null" else self.chance(0.5)

    # Schemas

    def root(self):
        schema = self.schema(3, True)
        if isinstance(schema, dict) and self.chance(0.4):
            names = ["d1", "d2"]
            schema["$defs"] = {name: self.schema(2, False) for name in names}
            for name in names:
                definition = schema["$defs"][name]
                if isinstance(definition, dict) and self.chance(0.3):
                    definition["$dynamicAnchor"] = name
            self.refer(schema, schema, depth=3)
        return schema

    def refer(self, schema, root, depth):
        """Puts references to definitions where they look further into the instance."""
        for key in ("properties", "patternProperties"):
            for name in schema.get(key, {}):
                if self.chance(0.4):
                    target = self.random.choice(list(root["$defs"]))
                    definition = root["$defs"][target]
                    dynamic = isinstance(definition, dict) and "$dynamicAnchor" in definition and self.chance(0.5)
                    reference = {"$dynamicRef": "#" + target} if dynamic else {"$ref": "#/$defs/" + target}
                    if self.chance(0.1):
                        reference = {"$ref": "#"}
                    schema[key][name] = {**reference, "description": "referring"}
                elif depth > 0 and isinstance(schema[key][name], dict):
                    self.refer(schema[key][name], root, depth - 1)
        for key in ("items", "contains", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"):
            if isinstance(schema.get(key), dict) and self.chance(0.3):
                schema[key] = {"$ref": "#/$defs/" + self.random.choice(list(root["$defs"]))}

    def schemas(self, depth, most=3):
        return [self.schema(depth, False) for _ in range(self.random.randint(1, most))]

    def schema(self, depth, must_be_object):
        if not must_be_object and self.chance(0.08):
            return self.chance(0.7)
        schema = {}
        if self.chance(0.6):
            schema["type"] = (
                self.random.choice(TYPES) if self.chance(0.75) else self.random.sample(TYPES, self.random.randint(1, 3)))
        kinds = schema.get("type", self.random.choice(TYPES))
        kinds = [kinds] if isinstance(kinds, str) else kinds
        for kind in kinds:
            if kind in ("integer", "number"):
                self.number_rules(schema)
            elif kind == "string":
                self.string_rules(schema)
            elif kind == "array":
                self.array_rules(schema, depth)
            elif kind == "object":
                self.object_rules(schema, depth)
        if self.chance(0.07):
            schema["enum"] = [self.value(1) for _ in range(self.random.randint(1, 4))]
        if self.chance(0.04):
            schema["const"] = self.value(1)
        if depth > 0:
            self.combinations(schema, depth - 1)
        return schema

    def number_rules(self, schema):
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if self.chance(0.25):
                schema[key] = self.random.choice(NUMBERS) if self.chance(0.3) else self.random.randint(-5, 10)
        if self.chance(0.2):
            # Halves and quarters divide the same in binary and in decimal.
            schema["multipleOf"] = self.random.choice([1, 2, 3, 0.5, 0.25, 5])

    def string_rules(self, schema):
        if self.chance(0.4):
            schema["minLength"] = self.random.randint(0, 3)
        if self.chance(0.4):
            schema["maxLength"] = self.random.randint(0, 3)
        if self.chance(0.3):
            schema["pattern"] = self.random.choice(PATTERNS)

    def array_rules(self, schema, depth):
        if depth <= 0:
            return
        if self.chance(0.3):
            schema["prefixItems"] = self.schemas(depth - 1)
        if self.chance(0.5):
            schema["items"] = self.schema(depth - 1, False)
        if self.chance(0.2):
            schema["contains"] = self.schema(depth - 1, False)
            if self.chance(0.4):
                schema["minContains"] = self.random.randint(0, 2)
            if self.chance(0.4):
                schema["maxContains"] = self.random.randint(0, 3)
        for key in ("minItems", "maxItems"):
            if self.chance(0.2):
                schema[key] = self.random.randint(0, 4)
        if self.chance(0.15):
            schema["uniqueItems"] = True
        if self.chance(0.15):
            schema["unevaluatedItems"] = self.schema(depth - 1, False)

    def object_rules(self, schema, depth):
        if depth <= 0:
            return
        if self.chance(0.7):
            schema["properties"] = {
                self.random.choice(KEYS): self.schema(depth - 1, False) for _ in range(self.random.randint(1, 4))}
        if self.chance(0.2):
            schema["patternProperties"] = {
                self.random.choice(PATTERNS): self.schema(depth - 1, False) for _ in range(self.random.randint(1, 2))}
        if self.chance(0.3):
            schema["additionalProperties"] = self.schema(depth - 1, False)
        if self.chance(0.3):
            schema["required"] = self.random.sample(KEYS, self.random.randint(0, 2))
        if self.chance(0.1):
            schema["propertyNames"] = self.schema(0, False)
        for key in ("minProperties", "maxProperties"):
            if self.chance(0.15):
                schema[key] = self.random.randint(0, 4)
        if self.chance(0.1):
            schema["dependentRequired"] = {self.random.choice(KEYS): self.random.sample(KEYS, 1)}
        if self.chance(0.1):
            schema["dependentSchemas"] = {self.random.choice(KEYS): self.schema(depth - 1, False)}
        if self.chance(0.15):
            schema["unevaluatedProperties"] = self.schema(depth - 1, False)

    def combinations(self, schema, depth):
        for key in ("allOf", "anyOf", "oneOf"):
            if self.chance(0.12):
                schema[key] = self.schemas(depth)
        if self.chance(0.06):
            schema["not"] = self.schema(depth, False)
        if self.chance(0.1):
            schema["if"] = self.schema(depth, False)
            if self.chance(0.8):
                schema["then"] = self.schema(depth, False)
            if self.chance(0.5):
                schema["else"] = self.schema(depth, False)


def expected(validator, instance):
    """The other validator's verdict, or None where it cannot say."""
    try:
        return validator.is_valid(instance)
    except (RecursionError, OverflowError):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=8, help="instances for each schema")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=".build/release/aikit-lua")
    arguments = parser.parse_args()

    generator = Generator(arguments.seed)
    seen = valid = unsaid = differences = 0
    while seen < arguments.pairs:
        lines, verdicts = [], []
        while len(lines) < min(20_000, arguments.pairs - seen):
            schema = generator.root()
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            for number in range(arguments.instances):
                instance = generator.fitting(schema, schema, 4) if number % 4 else generator.value(3)
                lines.append(json.dumps({"schema": schema, "instance": instance}))
                # The instance as the text says it: of a key given twice the last value counts.
                verdicts.append(expected(validator, json.loads(json.dumps(instance))))
        run = subprocess.run(
            [arguments.binary, "schema", "validate", "--batch"], input="\n".join(lines) + "\n", text=True,
            stdout=subprocess.PIPE, check=False)
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        if len(answers) != len(lines):
            sys.exit(f"{len(lines)} lines gave {len(answers)} verdicts (status {run.returncode})")
        for line, verdict, answer in zip(lines, verdicts, answers):
            if verdict is None:
                unsaid += 1
            elif "error" in answer or answer["valid"] != verdict:
                differences += 1
                if differences <= 10:
                    print(f"jsonschema says {verdict}, we say {json.dumps(answer)}\n  {line}")
            else:
                valid += verdict
        seen += len(lines)
        print(f"{seen} pairs, {valid} valid, {unsaid} not said by jsonschema, {differences} differences", flush=True)
        if differences:
            sys.exit(1)


if __name__ == "__main__":
    main()
