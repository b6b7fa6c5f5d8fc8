"""The pages: each reads the scope, calls analyses and draws. No SQL and no arithmetic."""
