"""One Streamlit page per vertical, on shared components."""
