"""The asset tree: sites, areas, lines, assets; grown from tag paths, edited by engineers, checked by templates."""
