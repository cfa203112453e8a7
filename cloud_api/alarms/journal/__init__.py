"""The journal of alarms: sealed in the order of commits, chained by hashes, read as pages and as a stream."""
