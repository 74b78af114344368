/** What `slipway` alone says. */
export const concise = `slipway takes commits to production with people's sign-off.

  slipway login                            use a one-time code, or a token
  slipway apply -f project.yaml            bring a project or a target in
  slipway release list --project shop      what became of commits
  slipway release watch shop/42            follow one, live
  slipway approve shop/42 production       sign it off
  slipway doctor                           find what is wrong with a set-up

All commands: slipway --help
`;

/** Before the list of commands. */
export const examples = `Examples:
  $ slipway login --url https://slipway.example
  $ slipway apply -f slipway/ --dry-run
  $ slipway release watch shop/42
  $ slipway approve shop/42 production --comment "looked at it in test"
  $ slipway environment rollback shop production --reason "orders fail"
`;

/** After it. */
export const exits = `
Settings: flags, then the environment (SLIPWAY_URL, SLIPWAY_TOKEN_FILE), then ~/.config/slipway/config.yaml (url, token-file).
Exit codes: 0 done, 1 refused or failed, 2 wrong use, 3 the gateway does not answer, 4 not decided in time.
`;
