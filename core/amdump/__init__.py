"""amdump: the parent of a run; it joins the planner and the driver and needs nobody to watch it."""
