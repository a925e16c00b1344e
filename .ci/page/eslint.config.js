import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: globals.browser },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-shadow": "error",
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", 50],
      complexity: ["error", 12],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      // Nothing of the data is read as HTML or as code, and nothing is fetched.
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket", "EventSource"],
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "write"].map((property) => ({ property })),
      ],
    },
  },
];
