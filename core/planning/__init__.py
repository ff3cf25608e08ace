"""What is dumped tonight and at which level, decided from values alone: no clock, no files, no clients.

The order of work: `levels.stand` (where each disk stands and which levels to ask for), the caller asks the clients,
`plan.plan` (choose, fit, balance, order, explain), and `forecast` (the same, night after night).
The rules are those of Amanda 3.5.1 (server-src/planner.c); each place where we differ says so and why.
"""
