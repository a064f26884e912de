"""What lies under the maps: coastlines, borders, lakes, and terrain that users bring."""
