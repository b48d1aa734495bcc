"""What makes a book of the chapters: their registry, the ledger of claims, the pages and how they are built."""
